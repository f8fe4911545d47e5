-- Why a file is in quarantine may name a player.
UPDATE processed_files
SET error_message = replace(error_message, %(guid)s, %(pseudonym_guid)s),
    rejected_reason = replace(rejected_reason, %(guid)s, %(pseudonym_guid)s)
WHERE position(%(guid)s IN error_message) > 0 OR position(%(guid)s IN rejected_reason) > 0
