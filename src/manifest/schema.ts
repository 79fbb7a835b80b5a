/** The tables of a manifest. Any SQLite tool opens the file. */

/** `PRAGMA user_version`. A manifest of another version is set aside and made anew from the caches. */
export const SCHEMA_VERSION = 2;

export const MANIFEST_FOLDER = '.latent-cache';
export const MANIFEST_NAME = 'manifest.db';

/**
 * `caches` has a row for each image, cache file and key suffix. `folder` is relative to the root, with forward slashes and
 * '' for the root itself; `image` and `output` are file names in it. Times are nanoseconds since 1970. `controls` tells
 * the image's control images apart, where it has some.
 */
export const SCHEMA = `
CREATE TABLE recipes (
  id INTEGER PRIMARY KEY,
  vae TEXT NOT NULL,
  posterior TEXT NOT NULL,
  seed INTEGER,
  dtype TEXT NOT NULL,
  interpolation TEXT NOT NULL,
  pixels TEXT NOT NULL,
  flip INTEGER NOT NULL,
  alpha INTEGER NOT NULL
);
CREATE TABLE encoders (
  id INTEGER PRIMARY KEY,
  backend TEXT NOT NULL,
  precision TEXT NOT NULL,
  version TEXT,
  runtime TEXT
);
CREATE TABLE caches (
  folder TEXT NOT NULL,
  image TEXT NOT NULL,
  output TEXT NOT NULL,
  key_suffix TEXT NOT NULL,
  source_bytes INTEGER NOT NULL,
  source_modified INTEGER NOT NULL,
  source_changed INTEGER NOT NULL,
  source_sha256 TEXT NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  stored TEXT NOT NULL,
  traits TEXT NOT NULL,
  listed_width INTEGER NOT NULL,
  listed_height INTEGER NOT NULL,
  bucket_width INTEGER NOT NULL,
  bucket_height INTEGER NOT NULL,
  resized_width INTEGER,
  resized_height INTEGER,
  crop_left INTEGER,
  crop_top INTEGER,
  recipe INTEGER NOT NULL REFERENCES recipes,
  encoder INTEGER NOT NULL REFERENCES encoders,
  cache_bytes INTEGER NOT NULL,
  cache_modified INTEGER NOT NULL,
  cache_crc32 INTEGER NOT NULL,
  orientation INTEGER NOT NULL,
  controls TEXT,
  PRIMARY KEY (folder, image, output, key_suffix)
) WITHOUT ROWID;
CREATE TABLE failures (
  folder TEXT NOT NULL,
  image TEXT NOT NULL,
  code TEXT NOT NULL,
  message TEXT NOT NULL,
  remedy TEXT,
  source_bytes INTEGER NOT NULL,
  source_modified INTEGER NOT NULL,
  source_changed INTEGER NOT NULL,
  version TEXT NOT NULL,
  PRIMARY KEY (folder, image)
) WITHOUT ROWID;
`;
