-- The round files whose names sort nearest to a name: two before, two after.
(SELECT filename FROM processed_files WHERE success AND filename < %(filename)s ORDER BY filename DESC LIMIT 2)
UNION
(SELECT filename FROM processed_files WHERE success AND filename > %(filename)s ORDER BY filename LIMIT 2)
ORDER BY filename
