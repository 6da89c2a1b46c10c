-- A pending list makes most writes cheaper by letting one of them pay for all: with a million concerts that one touched
-- 10,000 pages. Concerts are seldom written and often searched, so each write pays for itself.
ALTER INDEX concerts_name_trgm_idx SET (fastupdate = off);
ALTER INDEX concerts_artist_trgm_idx SET (fastupdate = off);
ALTER INDEX concerts_venue_trgm_idx SET (fastupdate = off);

SELECT gin_clean_pending_list('concerts_name_trgm_idx');
SELECT gin_clean_pending_list('concerts_artist_trgm_idx');
SELECT gin_clean_pending_list('concerts_venue_trgm_idx');
