SELECT key FROM forgetting_key
