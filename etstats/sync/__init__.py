"""Fetch round files from a game server over SFTP or from a local folder; file contents are not interpreted.

    with open_source(SftpSettings(host="game.example.org", remote_path="gamestats")) as source:
        listing = source.list_files()                             # files, refused names, a listing state
        plan = planner.plan(listing, stamp_of=..., known=...)     # pure: the files to fetch, the reasons to skip
        for outcome in source.fetch(plan.to_fetch):               # the content, or the reason of a failure
        source.list_files(listing.state)                          # polling: None if nothing can have changed

Errors: SourceError (temporary), AccessError and HostKeyError (need an administrator), ConfigError.
"""
