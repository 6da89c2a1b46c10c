-- Concerts and their bookings. Every rule that one row can break is a CHECK here, so that no code path, ours or an
-- operator's psql, can store it. The rule across rows, available_tickets + confirmed tickets = total_tickets, is kept by
-- transactions that hold the concert's row lock.

-- Substring search in any case (ILIKE '%text%') through an index.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE concerts (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name varchar(255) NOT NULL CHECK (name <> ''),
  artist varchar(255) NOT NULL CHECK (artist <> ''),
  venue varchar(255) NOT NULL CHECK (venue <> ''),
  concert_date timestamptz NOT NULL CHECK (isfinite(concert_date)),
  total_tickets integer NOT NULL CHECK (total_tickets > 0),
  available_tickets integer NOT NULL,
  price numeric(10, 2) NOT NULL CHECK (price >= 0 AND price <> 'NaN'),
  currency_code varchar(3) NOT NULL DEFAULT 'USD' CHECK (currency_code ~ '^[A-Z]{3}$'),
  booking_start_time timestamptz NOT NULL CHECK (isfinite(booking_start_time)),
  booking_end_time timestamptz NOT NULL CHECK (isfinite(booking_end_time)),
  version integer NOT NULL DEFAULT 1 CHECK (version > 0),
  -- The idempotency key of the creation, and a SHA-256 of its content: the row itself changes with updates.
  request_id uuid NOT NULL CONSTRAINT concerts_request_id_key UNIQUE,
  request_digest bytea NOT NULL CHECK (octet_length(request_digest) = 32),
  created_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT concerts_available_tickets_check CHECK (available_tickets BETWEEN 0 AND total_tickets),
  CONSTRAINT concerts_booking_window_check CHECK (booking_start_time < booking_end_time)
)
-- Bookings update available_tickets, which no index covers: with room on the page the update stays heap-only (HOT).
WITH (fillfactor = 50);

-- The order of lists, and the date filter.
CREATE INDEX concerts_concert_date_id_idx ON concerts (concert_date, id);
CREATE INDEX concerts_name_trgm_idx ON concerts USING gin (name gin_trgm_ops);
CREATE INDEX concerts_artist_trgm_idx ON concerts USING gin (artist gin_trgm_ops);
CREATE INDEX concerts_venue_trgm_idx ON concerts USING gin (venue gin_trgm_ops);

CREATE TABLE bookings (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  concert_id bigint NOT NULL REFERENCES concerts (id),
  user_id varchar(255) NOT NULL CHECK (user_id <> ''),
  ticket_count integer NOT NULL CONSTRAINT valid_ticket_count CHECK (ticket_count > 0),
  unit_price numeric(10, 2) NOT NULL CHECK (unit_price >= 0 AND unit_price <> 'NaN'),
  total_price numeric(12, 2) NOT NULL,
  currency_code varchar(3) NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
  booking_time timestamptz NOT NULL,
  status varchar(20) NOT NULL DEFAULT 'confirmed' CHECK (status IN ('confirmed', 'cancelled')),
  -- The idempotency keys of the booking and of its cancellation, the caller's or made by the server.
  request_id uuid NOT NULL,
  cancel_request_id uuid,
  created_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT bookings_total_price_check CHECK (total_price = unit_price * ticket_count),
  CONSTRAINT bookings_cancel_request_id_check CHECK ((status = 'cancelled') = (cancel_request_id IS NOT NULL)),
  -- One key gives one booking. It leads with concert_id, so it serves the foreign key as well.
  CONSTRAINT bookings_request_key UNIQUE (concert_id, user_id, request_id)
);

-- A user's bookings, the newest first.
CREATE INDEX bookings_user_id_id_idx ON bookings (user_id, id DESC);
