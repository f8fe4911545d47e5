-- warning: A player was dead longer than the player played; the time dead ratio is capped at 100 percent.
SELECT NULL::bigint AS file_id, round_id, player_guid, 'time_dead_minutes' AS field,
       time_dead_minutes::text AS value, 'at most ' || round(time_played_seconds / 60.0, 1) AS expected
FROM player_comprehensive_stats
WHERE 60 * time_dead_minutes > time_played_seconds
