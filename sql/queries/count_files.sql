SELECT count(*) FROM processed_files
