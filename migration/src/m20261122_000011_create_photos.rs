//! Photos that show a deed, and the claims that use them. The pictures themselves lie in the object
//! store, under `name`.

const UP: &str = r"
CREATE TABLE photos (
    village {code} NOT NULL,
    id {uuid} NOT NULL,
    uploaded_by {uuid} NOT NULL,
    name {code} NOT NULL CONSTRAINT photos_name_unique UNIQUE,
    media {code} NOT NULL CONSTRAINT photos_media_known CHECK (media IN ('image/jpeg')),
    width BIGINT NOT NULL CONSTRAINT photos_width_range CHECK (width BETWEEN 1 AND 2048),
    height BIGINT NOT NULL CONSTRAINT photos_height_range CHECK (height BETWEEN 1 AND 2048),
    bytes BIGINT NOT NULL CONSTRAINT photos_bytes_range CHECK (bytes > 0),
    pixels {code} NOT NULL,
    likeness {code} NOT NULL CONSTRAINT photos_likeness_form CHECK (length(likeness) = 16),
    taken_at BIGINT,
    used BOOLEAN NOT NULL,
    uploaded_at BIGINT NOT NULL,
    CONSTRAINT photos_pk PRIMARY KEY (village, id),
    CONSTRAINT photos_village_fk FOREIGN KEY (village) REFERENCES villages (village)
)

CREATE INDEX photos_by_pixels ON photos (village, pixels)

CREATE INDEX photos_by_uploader ON photos (uploaded_by, uploaded_at)

CREATE INDEX photos_unused_by_uploader ON photos (uploaded_by, uploaded_at) WHERE NOT used

CREATE INDEX photos_unused_by_age ON photos (uploaded_at) WHERE NOT used

CREATE INDEX photos_by_likeness_1 ON photos (village, substr(likeness, 1, 4))

CREATE INDEX photos_by_likeness_2 ON photos (village, substr(likeness, 5, 4))

CREATE INDEX photos_by_likeness_3 ON photos (village, substr(likeness, 9, 4))

CREATE INDEX photos_by_likeness_4 ON photos (village, substr(likeness, 13, 4))

CREATE TABLE photo_uses (
    village {code} NOT NULL,
    claim {uuid} NOT NULL,
    photo {uuid} NOT NULL,
    CONSTRAINT photo_uses_pk PRIMARY KEY (village, claim, photo),
    CONSTRAINT photo_uses_claim_fk FOREIGN KEY (village, claim) REFERENCES claims (village, id),
    CONSTRAINT photo_uses_photo_fk FOREIGN KEY (village, photo) REFERENCES photos (village, id)
)

CREATE INDEX photo_uses_by_photo ON photo_uses (village, photo)
";

crate::step! { up: UP, tables: ["photo_uses", "photos"], functions: [] }
