-- Instants that the API cannot express break each list that contains them: 0001 to 9999 are the years of the schema. The
-- literals name their offset and begin with four digits or more, so that no setting of a session changes their meaning.
--
-- NOT VALID, and not validated here: bookings stop from the first ALTER to the end of all migrations, and a validation
-- would read whole tables meanwhile. New and changed rows are checked all the same, and the service has never stored
-- others. An operator who has written rows by hand can run ALTER TABLE ... VALIDATE CONSTRAINT, which stops nothing.
SET LOCAL lock_timeout = '5s';
ALTER TABLE concerts ADD CONSTRAINT concerts_years_check CHECK (
  least(concert_date, booking_start_time, booking_end_time, created_at, updated_at) >= '0001-01-01 00:00:00+00'
  AND greatest(concert_date, booking_start_time, booking_end_time, created_at, updated_at) < '10000-01-01 00:00:00+00'
) NOT VALID;
ALTER TABLE bookings ADD CONSTRAINT bookings_years_check CHECK (
  least(booking_time, created_at, updated_at) >= '0001-01-01 00:00:00+00'
  AND greatest(booking_time, created_at, updated_at) < '10000-01-01 00:00:00+00'
) NOT VALID;
SET LOCAL lock_timeout = 0;
