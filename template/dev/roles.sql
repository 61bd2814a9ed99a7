-- Two roles for production, made once in the service's new database by one who may make roles.
-- `service_owner` migrates and owns all tables; `service` serves: it changes rows, never a table.
-- Roles belong to the whole server: where it has another service, give these two other names.
-- Give both a password: ALTER ROLE service PASSWORD '…';
CREATE ROLE service_owner LOGIN;
CREATE ROLE service LOGIN;
DO $$ BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO service_owner, service', current_database());
END $$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO service_owner;
GRANT USAGE ON SCHEMA public TO service;
-- For whatever tables the owner makes from now on.
ALTER DEFAULT PRIVILEGES FOR ROLE service_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO service;
ALTER DEFAULT PRIVILEGES FOR ROLE service_owner IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO service;
