"""Host keys: only known keys are accepted, and a key is trusted only by a separate command."""

import base64
import hashlib
import hmac
import stat
import subprocess
from pathlib import Path

import pytest

from etstats.errors import ConfigError, HostKeyError
from etstats.sync.sftp import source
from etstats.sync.sftp.known_hosts import HostKey, check, known_hosts_line, known_keys, spelling, trust
from tests.support.sftp_server import TestServer


def key(seed: str, kind: str = "ssh-ed25519") -> HostKey:
    body = hashlib.sha256(seed.encode()).digest()
    return HostKey(
        kind=kind, blob=len(kind).to_bytes(4, "big") + kind.encode() + len(body).to_bytes(4, "big") + body
    )


def hashed(name: str) -> str:
    salt = b"s" * 20
    digest = hmac.digest(salt, name.encode(), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


def line(names: str, of: HostKey) -> str:
    return f"{names} {of.kind} {base64.b64encode(of.blob).decode()} a comment"


def known(path: Path, *lines: str, host: str = "game.example.org", port: int = 22) -> list[HostKey]:
    path.write_text("\n".join(lines) + "\n")
    return [found.key for found in known_keys([path], host, port) if not found.is_revoked]


@pytest.mark.parametrize(
    ("names", "host", "port"),
    [
        ("game.example.org", "game.example.org", 22),
        ("game.example.org", "GAME.example.org", 22),
        ("other,game.example.org,192.0.2.1", "game.example.org", 22),
        ("[game.example.org]:2222", "game.example.org", 2222),
        ("[game.example.org]:22", "game.example.org", 22),
        ("*.example.org", "game.example.org", 22),
        ("[*.example.org]:2222", "game.example.org", 2222),
        (hashed("game.example.org"), "game.example.org", 22),
        (hashed("[game.example.org]:2222"), "game.example.org", 2222),
        ("[2001:db8::1]:2222", "2001:db8::1", 2222),
    ],
)
def test_host_is_found_in_every_notation(tmp_path: Path, names: str, host: str, port: int) -> None:
    """Plain, in a list, with brackets, hashed and with wildcards."""
    assert known(tmp_path / "known_hosts", line(names, key("a")), host=host, port=port) == [key("a")]


@pytest.mark.parametrize(
    ("names", "port"),
    [
        ("game.example.org", 2222),
        ("[game.example.org]:2222", 22),
        ("game.example.organic", 22),
        ("*.example.org,!game.example.org", 22),
        (hashed("game.example.org"), 2222),
        ("|1|broken|", 22),
        ("|1|!!|!!", 22),
    ],
)
def test_other_hosts_do_not_match(tmp_path: Path, names: str, port: int) -> None:
    """Another port, another name, an exclusion and a damaged hash do not match."""
    assert known(tmp_path / "known_hosts", line(names, key("a")), port=port) == []


def test_invalid_lines_are_skipped(tmp_path: Path) -> None:
    """Comments, damaged lines, other markers and unknown types are skipped."""
    lines = [
        "# a comment",
        "",
        "game.example.org ssh-ed25519",
        "game.example.org ssh-ed25519 not*base64",
        "game.example.org ssh-ed25519 AAAA",
        "game.example.org ssh-rsa " + base64.b64encode(key("a").blob).decode(),
        "@cert-authority " + line("*", key("authority")),
        "\xff\xfe broken",
        line("game.example.org", key("stale")),
        line("game.example.org", key("good")),
    ]
    assert known(tmp_path / "known_hosts", *lines) == [key("stale"), key("good")]


def test_one_matching_line_is_sufficient(tmp_path: Path) -> None:
    """One matching line is sufficient."""
    path = tmp_path / "known_hosts"
    known(path, line("game.example.org", key("stale")), line("game.example.org", key("good")))
    check(key("good"), known_keys([path], "game.example.org", 22), "game.example.org", 22)


def test_unknown_key_shows_fingerprint_and_trust_command(tmp_path: Path) -> None:
    """The error has the fingerprint and the command to trust the key."""
    shown = key("new")
    with pytest.raises(HostKeyError) as caught:
        check(shown, (), "game.example.org", 2222)
    assert shown.fingerprint in str(caught.value)
    assert "[game.example.org]:2222" in str(caught.value)
    assert "etstats config check --trust" in str(caught.value)


def test_changed_key_is_refused_with_the_solution(tmp_path: Path) -> None:
    """The error has the new fingerprint, and the command that removes the old key from its file."""
    path = tmp_path / "known_hosts"
    known(path, line("game.example.org", key("old")))
    with pytest.raises(HostKeyError) as caught:
        check(key("new"), known_keys([path], "game.example.org", 22), "game.example.org", 22)
    message = str(caught.value)
    assert key("new").fingerprint in message
    assert f"ssh-keygen -R game.example.org -f {path} && etstats config check --trust" in message
    assert len(message) - len(str(path)) <= 205


def test_revoked_key_is_refused(tmp_path: Path) -> None:
    """A revoked key is refused in any order of the lines."""
    path = tmp_path / "known_hosts"
    known(path, line("game.example.org", key("a")), "@revoked " + line("*", key("a")))
    with pytest.raises(HostKeyError, match="revoked"):
        check(key("a"), known_keys([path], "game.example.org", 22), "game.example.org", 22)


def test_trust_writes_a_private_file_once(tmp_path: Path) -> None:
    """A new file and its folder are private; a known key is not written again; other lines are kept."""
    path = tmp_path / "ssh" / "known_hosts"
    trust(path, key("a"), "game.example.org", 2222)
    trust(path, key("a"), "game.example.org", 2222)
    trust(path, key("b"), "other.example.org", 22)
    assert path.read_text().splitlines() == [
        known_hosts_line(key("a"), "game.example.org", 2222),
        known_hosts_line(key("b"), "other.example.org", 22),
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_trust_completes_an_unterminated_last_line(tmp_path: Path) -> None:
    """A new key is appended on its own line even without a final newline."""
    path = tmp_path / "known_hosts"
    path.write_text(line("other", key("o")))
    trust(path, key("a"), "game.example.org", 22)
    assert [found.key for found in known_keys([path], "game.example.org", 22)] == [key("a")]
    assert [found.key for found in known_keys([path], "other", 22)] == [key("o")]


def test_trust_does_not_replace_a_changed_key(tmp_path: Path) -> None:
    """A changed key is not trusted until the old line is removed by hand."""
    path = tmp_path / "known_hosts"
    trust(path, key("old"), "game.example.org", 22)
    with pytest.raises(HostKeyError, match="CHANGED"):
        trust(path, key("new"), "game.example.org", 22)


def test_unreadable_known_hosts_is_a_config_error(tmp_path: Path) -> None:
    """A known_hosts path that is a folder is a ConfigError, not an empty list."""
    with pytest.raises(ConfigError, match="cannot read the known hosts"):
        known_keys([tmp_path], "game.example.org", 22)
    with pytest.raises(ConfigError, match=r"cannot (read|write)"):
        trust(tmp_path, key("a"), "game.example.org", 22)


def test_port_22_is_omitted() -> None:
    """Port 22 is left out."""
    assert spelling("Game.Example.org", 22) == "game.example.org"
    assert spelling("game.example.org", 2222) == "[game.example.org]:2222"


def test_unknown_server_is_trusted_and_connected(server: TestServer) -> None:
    """Unknown, probed, trusted, connected."""
    server.known_hosts.unlink()
    settings = server.settings()
    with pytest.raises(HostKeyError, match="is not known") as caught:
        source.connect(settings)
    shown = source.probe_host_key(settings)
    assert shown.fingerprint in str(caught.value)
    assert shown.fingerprint == server.host_keys[0].get_fingerprint()
    assert source.trust(settings, shown) == server.known_hosts
    source.connect(settings).close()


def test_server_with_another_key_is_refused(server: TestServer, root: Path, tmp_path: Path) -> None:
    """A known address with a new key gets no login; the command of the message removes the old key."""
    server.known_hosts.write_text(line(f"[127.0.0.1]:{server.port}", key("old")) + "\n")
    with pytest.raises(HostKeyError, match="CHANGED") as caught:
        source.connect(server.settings())
    assert server.logins == 0
    command, _, check = str(caught.value).partition("reinstalled: ")[2].partition(" && ")
    assert check == "etstats config check --trust"
    subprocess.run(["sh", "-c", command], check=True, capture_output=True)
    with pytest.raises(HostKeyError, match="is not known"):
        source.connect(server.settings())


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"])
def test_known_key_type_is_requested(root: Path, keys: Path, kind: str) -> None:
    """From a server with three keys, the known type is requested, RSA with SHA-2 too."""
    kinds = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa")
    with TestServer(root, keys, host_key_kinds=kinds) as server:
        (only,) = (known for known in server.known_hosts_lines() if f" {kind} " in known)
        server.known_hosts.write_text(only + "\n")
        source.connect(server.settings()).close()


def test_missing_known_key_type_is_refused(root: Path, keys: Path) -> None:
    """If the known type is gone, another key is not accepted."""
    with TestServer(root, keys, host_key_kinds=("ecdsa-sha2-nistp256",)) as server:
        server.known_hosts.write_text(line(f"[127.0.0.1]:{server.port}", key("old")) + "\n")
        with pytest.raises(HostKeyError, match="ecdsa-sha2-nistp256"):
            source.connect(server.settings())
