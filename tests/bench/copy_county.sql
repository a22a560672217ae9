-- So many more counties with all that the first one has, under other codes and ids: codes begin with
-- another county's, and ids differ in their second group. Every table, whatever is added to the schema.
DO $$
DECLARE
    one record;
BEGIN
    -- No triggers: what refers to a row is copied with it, and chains of journals are nobody's to check here.
    PERFORM set_config('session_replication_role', 'replica', true);
    FOR one IN
        SELECT table_name,
            string_agg(quote_ident(column_name), ', ') AS names,
            string_agg(CASE data_type
                WHEN 'uuid' THEN format('CASE %1$I WHEN ''00000000-0000-0000-0000-000000000000'' THEN %1$I
                    ELSE overlay(%1$I::text placing hex from 10 for 4)::uuid END', column_name)
                WHEN 'text' THEN format('replace(%I, ''{county}'', another)', column_name)
                WHEN 'character varying' THEN format('replace(%I, ''{county}'', another)', column_name)
                ELSE quote_ident(column_name) END, ', ') AS copies
        FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
        WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
            AND table_name NOT IN ('seaql_migrations', 'databases')
        GROUP BY table_name ORDER BY table_name
    LOOP
        -- What belongs to no county is there already.
        EXECUTE format('INSERT INTO %1$I (%2$s) SELECT %3$s FROM %1$I AS first,
            (SELECT ({county} + n)::text AS another, lpad(to_hex(n), 4, ''0'') AS hex
             FROM generate_series(1, {more}) AS n) AS counties ON CONFLICT DO NOTHING',
            one.table_name, one.names, one.copies);
    END LOOP;
END $$;
-- It shares no bytes with the database that it was made from.
UPDATE databases SET id = gen_random_uuid()
