"""Keys, the agent and ssh_config work as in `ssh`, without prompts."""

from pathlib import Path

import asyncssh
import pytest

from etstats.errors import AccessError, ConfigError, HostKeyError, SourceError
from etstats.sync.sftp import source as sftp_source
from etstats.sync.sftp.login import _private_key
from etstats.sync.sftp.ssh_config import resolve
from etstats.sync.source import SftpSettings
from tests.support.sftp_server import TestServer, client_key


@pytest.fixture(autouse=True)
def _no_agent_and_an_empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As under cron: no agent, and an empty home folder."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setenv("HOME", str(home))


@pytest.mark.parametrize(
    ("kind", "layout"),
    [
        ("ssh-ed25519", "openssh"),
        ("ssh-ed25519", "pkcs8-pem"),
        ("ecdsa-sha2-nistp256", "openssh"),
        ("ecdsa-sha2-nistp521", "openssh"),
        ("ecdsa-sha2-nistp384", "pkcs8-pem"),
        ("ecdsa-sha2-nistp256", "pkcs1-pem"),
        ("ssh-rsa", "openssh"),
        ("ssh-rsa", "pkcs1-pem"),
    ],
)
def test_every_common_key_type_works(root: Path, keys: Path, kind: str, layout: str) -> None:
    """ed25519, ECDSA, and RSA with SHA-2 signatures; OpenSSH's format and PEM."""
    key_file = client_key(keys, "client_key", kind, format_name=layout)
    with TestServer(root, keys) as server:
        sftp_source.connect(server.settings(key_file=key_file)).close()


def test_padded_ecdsa_keys_are_read() -> None:
    """Programs pad the numbers of ECDSA keys in different ways."""
    for number in range(40):
        kind = ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")[number % 3]
        key = asyncssh.generate_private_key(kind)
        assert _private_key(key.export_private_key("openssh")).asbytes() == key.public_data


def test_key_with_a_passphrase_without_an_agent_is_refused(server: TestServer, keys: Path) -> None:
    """Without an agent, the error says what to do."""
    locked = client_key(keys, "locked_key", passphrase="secret words", rounds=50)
    with pytest.raises(AccessError, match=r"has a passphrase and is not in the agent: ssh-add"):
        sftp_source.connect(server.settings(key_file=locked))


def test_missing_key_is_reported(server: TestServer) -> None:
    """The error says how to create a key."""
    with pytest.raises(AccessError, match=r"no key to log in to .*ssh-keygen"):
        sftp_source.connect(server.settings(key_file=None))


def test_missing_key_file_is_a_config_error(server: TestServer, keys: Path) -> None:
    """A missing key file is a ConfigError."""
    with pytest.raises(ConfigError, match=r"the key .*nowhere does not exist: correct key_file"):
        sftp_source.connect(server.settings(key_file=keys / "nowhere"))


def test_readable_key_is_refused(server: TestServer) -> None:
    """Refused as by ssh, with the chmod command."""
    server.key_file.chmod(0o644)
    with pytest.raises(ConfigError, match=r"mode 0644\): chmod 600"):
        sftp_source.connect(server.settings())


@pytest.mark.parametrize(
    "content", [b"", b"not a key", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", bytes(100)]
)
def test_invalid_key_is_refused(server: TestServer, keys: Path, content: bytes) -> None:
    """An empty, an invalid and a truncated file."""
    wrong = keys / "wrong"
    wrong.touch(mode=0o600)
    wrong.write_bytes(content)
    with pytest.raises(ConfigError, match="is not a private key that etstats can use"):
        sftp_source.connect(server.settings(key_file=wrong))


def ssh_config(keys: Path, text: str) -> Path:
    path = keys / "config"
    path.write_text(text)
    return path


def test_ssh_config_resolves_an_alias(server: TestServer, keys: Path) -> None:
    """HostName, Port, User, IdentityFile and UserKnownHostsFile are used."""
    config = ssh_config(
        keys,
        f"Host arena\n  HostName 127.0.0.1\n  Port {server.port}\n  User et\n  IdentityFile {server.key_file}\n"
        f"  UserKnownHostsFile {server.known_hosts}\nHost *\n  User nobody\n",
    )
    sftp_source.connect(SftpSettings(host="arena", remote_path="/", ssh_config=config)).close()


def test_settings_override_ssh_config(server: TestServer, keys: Path) -> None:
    """Settings override ssh_config."""
    config = ssh_config(keys, "Host *\n  Port 1\n  User nobody\n  IdentityFile /nowhere\n")
    endpoint = resolve(server.settings(ssh_config=config))
    assert (endpoint.port, endpoint.user, endpoint.key_files) == (server.port, "et", (server.key_file,))


def test_proxy_jump_connects_through_a_host(server: TestServer, root: Path, keys: Path, tmp_path: Path) -> None:
    """A jump host and its target, each with its own host key."""
    others = tmp_path / "inner"
    others.mkdir(mode=0o700)
    with TestServer(root, others) as inner:
        known = keys / "both"
        known.write_text(server.known_hosts.read_text() + inner.known_hosts.read_text())
        config = ssh_config(
            keys,
            f"Host inner\n  HostName 127.0.0.1\n  Port {inner.port}\n  ProxyJump bastion\n"
            f"Host bastion\n  HostName 127.0.0.1\n  Port {server.port}\n  User et\n"
            f"  IdentityFile {server.key_file}\n",
        )
        settings = inner.settings(host="inner", ssh_config=config, known_hosts=known)
        with sftp_source.connect(settings) as source:
            assert source.list_files() is not None
        assert server.forwarded == [("127.0.0.1", inner.port)]
        known.write_text(inner.known_hosts.read_text())
        with pytest.raises(HostKeyError, match=rf"\[127.0.0.1\]:{server.port} is not known"):
            sftp_source.connect(settings)
        with pytest.raises(HostKeyError):
            sftp_source.probe_host_key(settings)
        known.write_text(server.known_hosts.read_text())
        assert sftp_source.probe_host_key(settings).fingerprint == inner.host_keys[0].get_fingerprint()


def test_unreachable_target_behind_a_jump_host_is_named(server: TestServer, keys: Path) -> None:
    """The error names the server that was not reached."""
    config = ssh_config(
        keys,
        f"Host far\n  HostName 127.0.0.1\n  Port 1\n  ProxyJump et@127.0.0.1:{server.port}\n"
        f"Host *\n  IdentityFile {server.key_file}\n",
    )
    with pytest.raises(SourceError, match=rf"et@127.0.0.1:{server.port} cannot reach .*@127.0.0.1:1"):
        sftp_source.connect(
            SftpSettings(host="far", remote_path="/", ssh_config=config, known_hosts=server.known_hosts)
        )


def test_several_jumps_are_chained(keys: Path) -> None:
    """`a,b` connects to a, then to b, then to the target."""
    config = ssh_config(keys, "Host target\n  ProxyJump one@a:2201,two@[2001:db8::2]:2202\n")
    target = resolve(SftpSettings(host="target", user="et", remote_path="/", ssh_config=config))
    assert target.via is not None
    assert target.via.via is not None
    assert [str(target.via.via), str(target.via)] == ["one@a:2201", "two@[2001:db8::2]:2202"]
    assert target.via.via.via is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Host *\n  ProxyJump loop\n", "forms a loop"),
        ("Host *\n  ProxyCommand nc %h %p\n", "ProxyCommand .* is not supported"),
        ("Host *\n  ProxyJump a:b:c\n", "is not "),
        ("Host *\n  Port many\n", "cannot use the settings of"),
        ("Match exec true\n  User x\n", "cannot use the settings of"),
        ("nonsense\n", "cannot read"),
    ],
)
def test_unsupported_ssh_config_is_an_error(keys: Path, text: str, message: str) -> None:
    """Unsupported settings are an error, so that no other host is contacted."""
    settings = SftpSettings(host="game", user="et", remote_path="/", ssh_config=ssh_config(keys, text))
    with pytest.raises(ConfigError, match=message):
        resolve(settings)


def test_invalid_key_of_ssh_config_is_skipped(server: TestServer, keys: Path) -> None:
    """Only the key of the settings must be valid; others are skipped."""
    (keys / "rubbish").write_text("rubbish")
    (keys / "rubbish").chmod(0o600)
    config = ssh_config(keys, f"Host *\n  IdentityFile {keys}/rubbish\n  IdentityFile {server.key_file}\n")
    sftp_source.connect(server.settings(key_file=None, ssh_config=config)).close()
    server.key_file.unlink()
    with pytest.raises(ConfigError, match="rubbish is not a private key"):
        sftp_source.connect(server.settings(key_file=None, ssh_config=config))


def test_too_many_refused_keys_are_an_access_error(server: TestServer, keys: Path) -> None:
    """Too many refused keys are an AccessError, not a temporary error."""
    files = [client_key(keys, f"key{number}") for number in range(4)]
    identities = "".join(f"  IdentityFile {file}\n" for file in files)
    config = ssh_config(keys, f"Host *\n{identities}")
    server.faults.most_refusals = 1
    with pytest.raises(AccessError, match="refused any of 2 keys"):
        sftp_source.connect(server.settings(key_file=None, ssh_config=config))


def test_error_of_a_refused_login_has_no_secret(server: TestServer, keys: Path) -> None:
    """The error of a refused login names the key file without its contents."""
    other = client_key(keys, "other")
    with pytest.raises(AccessError) as caught:
        sftp_source.connect(server.settings(key_file=other))
    secret = other.read_text().splitlines()[1]
    assert secret not in str(caught.value)


@pytest.mark.parametrize("at", ["before", "inside", "after"])
def test_include_is_followed(server: TestServer, keys: Path, tmp_path: Path, at: str) -> None:
    """Relative to ~/.ssh, by pattern, nested, inside its block; the first value counts."""
    ssh = tmp_path / "home" / ".ssh"
    (ssh / "conf.d").mkdir(parents=True)
    (ssh / "conf.d" / "1-port").write_text(f"Include {keys}/user\n  Port {server.port}\n")
    (ssh / "conf.d" / "2-port").write_text("Port 1\n")
    (keys / "user").write_text("User et\n")
    text = {
        "before": "Include conf.d/*\nHost arena\n  HostName 127.0.0.1\n",
        "inside": "Host arena\n  HostName 127.0.0.1\n  Include conf.d/*\nHost *\n  Port 2\n",
        "after": "Host other\n  Port 3\nHost *\n  HostName 127.0.0.1\n  include = ~/.ssh/conf.d/*\n",
    }[at]
    settings = server.settings(host="arena", port=None, user=None, ssh_config=ssh_config(keys, text))
    sftp_source.connect(settings).close()


def test_blocks_end_with_the_included_file(keys: Path) -> None:
    """Blocks end with the included file; an Include with Host lines below a Host is an error."""
    (keys / "more").write_text("Host other\n  Port 7\n")
    config = ssh_config(keys, f"Include {keys}/more\nPort 8\nHost other\n  User me\n")
    found = [resolve(SftpSettings(host=host, remote_path="/", ssh_config=config)) for host in ("arena", "other")]
    assert [(endpoint.port, endpoint.user == "me") for endpoint in found] == [(8, False), (7, True)]
    config = ssh_config(keys, f"Host arena\n  Include {keys}/more\n")
    with pytest.raises(ConfigError, match=r'Include below "Host arena" .* is not supported; move the Include'):
        resolve(SftpSettings(host="arena", remote_path="/", ssh_config=config))


@pytest.mark.parametrize("text", ["Include %d/more\n", "Include ${HOME}/more\n", "Include {config}\n"])
def test_unsupported_include_is_an_error(keys: Path, text: str) -> None:
    """Tokens, variables, and a file that includes itself are errors."""
    config = ssh_config(keys, text.replace("{config}", str(keys / "config")))
    with pytest.raises(ConfigError, match=r"Include .*(not supported|deep)"):
        resolve(SftpSettings(host="arena", remote_path="/", ssh_config=config))


def test_host_key_alias_is_used_for_the_key(server: TestServer, keys: Path) -> None:
    """The key is stored and looked up under the alias alone."""
    public = server.known_hosts_lines()[0].split(maxsplit=1)[1]
    server.known_hosts.write_text(f"Arena {public}\n")
    aliased = server.settings(ssh_config=ssh_config(keys, "Host *\n  HostKeyAlias arena\n"))
    sftp_source.connect(aliased).close()
    with pytest.raises(HostKeyError, match="not known"):
        sftp_source.connect(server.settings())
    server.known_hosts.write_text("")
    with pytest.raises(HostKeyError, match="the host key of arena is not known"):
        sftp_source.connect(aliased)
    sftp_source.trust(aliased, sftp_source.probe_host_key(aliased))
    assert server.known_hosts.read_text() == f"arena {public}\n"
    sftp_source.connect(aliased).close()


def certify(key_file: Path, name: str = "et") -> asyncssh.SSHKey:
    """Write a certificate next to a key, as `ssh-keygen -s` does; return the CA's key."""
    authority = asyncssh.generate_private_key("ssh-ed25519")
    key = asyncssh.read_private_key(key_file)
    authority.generate_user_certificate(key, "test", principals=[name]).write_certificate(f"{key_file}-cert.pub")
    return authority


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"])
def test_untrusted_certificate_falls_back_to_the_key(root: Path, keys: Path, kind: str) -> None:
    """The key alone is tried next, as in ssh."""
    key_file = client_key(keys, "client_key", kind)
    certify(key_file)
    with TestServer(root, keys) as server:
        sftp_source.connect(server.settings(key_file=key_file)).close()


def test_trusted_certificate_is_sufficient(root: Path, keys: Path) -> None:
    """A server that trusts only the CA accepts the certificate."""
    key_file = client_key(keys)
    authority = certify(key_file)
    Path(f"{key_file}.pub").write_text(f"cert-authority {authority.export_public_key().decode()}")
    with TestServer(root, keys) as server:
        sftp_source.connect(server.settings()).close()
        Path(f"{key_file}-cert.pub").unlink()
        with pytest.raises(AccessError, match="refused"):
            sftp_source.connect(server.settings())


@pytest.mark.parametrize("content", [b"", b"rubbish", b"\xff\xfe", b"ssh-ed25519-cert-v01@openssh.com AAAA", None])
def test_damaged_certificate_falls_back_to_the_key(server: TestServer, content: bytes | None) -> None:
    """With an invalid certificate, one of another type, or a folder, the key alone is used."""
    certificate = Path(f"{server.key_file}-cert.pub")
    if content is None:
        certificate.mkdir()
    else:
        certificate.write_bytes(content)
    sftp_source.connect(server.settings()).close()
