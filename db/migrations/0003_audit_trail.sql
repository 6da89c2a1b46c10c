-- Who changed what. The entries are written in the transactions of the changes, so that there is one for each and none
-- for what was rolled back. Nothing here refers to other tables: the trail outlives what it tells of.
CREATE TABLE audit_entries (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  occurred_at timestamptz NOT NULL,
  -- Nobody in particular when NULL, and the service itself when there is no address either.
  actor varchar(255),
  actor_address text,
  action varchar(20) NOT NULL
    CHECK (action IN ('concert.create', 'concert.update', 'booking.create', 'booking.cancel')),
  concert_id bigint NOT NULL,
  booking_id bigint,
  before jsonb,
  after jsonb NOT NULL,
  CONSTRAINT audit_entries_booking_id_check CHECK ((booking_id IS NOT NULL) = (action LIKE 'booking.%')),
  CONSTRAINT audit_entries_before_check CHECK ((before IS NULL) = (action LIKE '%.create'))
);

-- What became of a concert, of a booking, and what somebody did.
CREATE INDEX audit_entries_concert_id_id_idx ON audit_entries (concert_id, id);
CREATE INDEX audit_entries_booking_id_idx ON audit_entries (booking_id) WHERE booking_id IS NOT NULL;
CREATE INDEX audit_entries_actor_id_idx ON audit_entries (actor, id) WHERE actor IS NOT NULL;

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit trail is append-only: % of % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END
$$;

-- A trigger binds the owner of the table as well, which a grant would not.
CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
-- Also in sessions that have turned triggers off.
ALTER TABLE audit_entries ENABLE ALWAYS TRIGGER audit_entries_append_only;

-- Last, since bookings stop from here to the end: no row is rewritten or looked at. Rows from before have no cancelled_by,
-- so there is nothing to validate, and new ones are checked all the same. While this waits for a long transaction everybody
-- else would wait behind it: better to give up and be started again.
SET LOCAL lock_timeout = '5s';
ALTER TABLE bookings
  -- NULL in rows from before these columns were there.
  ADD COLUMN booked_by varchar(255),
  ADD COLUMN cancelled_by varchar(255),
  ADD CONSTRAINT bookings_cancelled_by_check CHECK (cancelled_by IS NULL OR status = 'cancelled') NOT VALID;
SET LOCAL lock_timeout TO DEFAULT;
