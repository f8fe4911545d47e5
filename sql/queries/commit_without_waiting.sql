-- What commits from here on is on the disk with the next commit that waits for it.
SET synchronous_commit = off
