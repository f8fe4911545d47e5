-- The same value is the same text whatever the server's own settings, so that copies can be compared.
SELECT set_config('DateStyle', 'ISO, YMD', true), set_config('IntervalStyle', 'postgres', true),
       set_config('bytea_output', 'hex', true), set_config('extra_float_digits', '1', true),
       set_config('client_encoding', 'UTF8', true);
