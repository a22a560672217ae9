//! How a village comes to its rules: drafts inside a framework, the votes on them, and what villagers
//! suggest. What is published stays as it was; a set only gets the day on which another follows it.

const UP: &str = r"
ALTER TABLE rule_sets ADD COLUMN framework {uuid} CONSTRAINT rule_sets_framework_fk REFERENCES rule_sets (id)

ALTER TABLE rule_sets ADD COLUMN ends_on {code}

ALTER TABLE rule_sets ADD COLUMN chains TEXT

ALTER TABLE rule_sets ADD COLUMN revision BIGINT NOT NULL DEFAULT 1

{append_only:rules}

{refuse rule_sets_stay | UPDATE ON rule_sets | NEW.id <> OLD.id OR NEW.region <> OLD.region OR NEW.version <> OLD.version OR NEW.effective_on <> OLD.effective_on OR NEW.month_bonus_max <> OLD.month_bonus_max OR NEW.month_deduction_max <> OLD.month_deduction_max OR NEW.entry_max <> OLD.entry_max OR COALESCE(NEW.ends_on, 'z') > COALESCE(OLD.ends_on, 'z')}

CREATE TABLE rule_drafts (
    village {code} NOT NULL CONSTRAINT rule_drafts_village_fk REFERENCES villages (village),
    id {uuid} NOT NULL CONSTRAINT rule_drafts_id_unique UNIQUE,
    version {code} NOT NULL,
    status {code} NOT NULL CONSTRAINT rule_drafts_status_known CHECK (status IN ('draft', 'consulting', 'adopted', 'published', 'withdrawn')),
    framework {uuid} NOT NULL CONSTRAINT rule_drafts_framework_fk REFERENCES rule_sets (id),
    effective_on {code} NOT NULL,
    content TEXT NOT NULL,
    rule_count BIGINT NOT NULL,
    drafted_by {uuid} NOT NULL,
    revised_by {uuid} NOT NULL,
    created_at BIGINT NOT NULL,
    consulting_until BIGINT,
    adopted_by {uuid},
    published_by {uuid},
    withdrawn_because TEXT,
    revision BIGINT NOT NULL,
    CONSTRAINT rule_drafts_pk PRIMARY KEY (village, id),
    CONSTRAINT rule_drafts_four_eyes CHECK (published_by <> drafted_by AND published_by <> revised_by AND published_by <> adopted_by),
    CONSTRAINT rule_drafts_published CHECK (status <> 'published' OR (published_by IS NOT NULL AND adopted_by IS NOT NULL)),
    CONSTRAINT rule_drafts_consulted CHECK (status IN ('draft', 'withdrawn') OR consulting_until IS NOT NULL)
)

CREATE UNIQUE INDEX rule_drafts_version_unique ON rule_drafts (village, version) WHERE status <> 'withdrawn'

CREATE TABLE rule_votes (
    village {code} NOT NULL,
    draft {uuid} NOT NULL,
    id {uuid} NOT NULL,
    held_on {code} NOT NULL,
    electorate {code} NOT NULL CONSTRAINT rule_votes_electorate_known CHECK (electorate IN ('adults', 'household_delegates', 'representatives')),
    entitled BIGINT NOT NULL,
    present BIGINT NOT NULL,
    in_favour BIGINT NOT NULL,
    against BIGINT NOT NULL,
    minutes TEXT NOT NULL,
    carried BOOLEAN NOT NULL,
    recorded_by {uuid} NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT rule_votes_pk PRIMARY KEY (village, draft, id),
    CONSTRAINT rule_votes_draft_fk FOREIGN KEY (village, draft) REFERENCES rule_drafts (village, id),
    CONSTRAINT rule_votes_count CHECK (0 <= in_favour AND 0 <= against AND in_favour + against <= present AND present <= entitled),
    CONSTRAINT rule_votes_carried CHECK (NOT carried OR (2 * in_favour > present AND ((electorate = 'adults' AND 2 * present > entitled) OR (electorate <> 'adults' AND 3 * present >= 2 * entitled))))
)

{append_only:rule_votes}

{refuse rule_drafts_voted_on | UPDATE ON rule_drafts | NEW.status IN ('adopted', 'published') AND NOT EXISTS (SELECT 1 FROM rule_votes v WHERE v.village = NEW.village AND v.draft = NEW.id AND v.carried)}

{refuse rule_drafts_stay | UPDATE ON rule_drafts | (NEW.content <> OLD.content AND (NEW.status <> 'draft' OR OLD.status NOT IN ('draft', 'consulting'))) OR OLD.status IN ('published', 'withdrawn')}

CREATE TABLE suggestions (
    village {code} NOT NULL,
    id {uuid} NOT NULL,
    person {uuid} NOT NULL,
    household {uuid} NOT NULL,
    item {code},
    text TEXT NOT NULL,
    status {code} NOT NULL CONSTRAINT suggestions_status_known CHECK (status IN ('open', 'adopted', 'declined')),
    reason TEXT,
    rule_set {uuid},
    answered_by {uuid},
    answered_at BIGINT,
    created_at BIGINT NOT NULL,
    CONSTRAINT suggestions_pk PRIMARY KEY (village, id),
    CONSTRAINT suggestions_household_fk FOREIGN KEY (village, household) REFERENCES households (village, id),
    CONSTRAINT suggestions_rule_set_fk FOREIGN KEY (rule_set) REFERENCES rule_sets (id),
    CONSTRAINT suggestions_four_eyes CHECK (answered_by <> person),
    CONSTRAINT suggestions_answered CHECK ((status = 'open') = (answered_at IS NULL))
)

CREATE INDEX suggestions_by_person ON suggestions (village, person, id)

CREATE INDEX suggestions_by_status ON suggestions (village, status, id)
";

const DOWN: &str = r"
DROP TABLE suggestions

{let rule_drafts_stay | rule_drafts}

{let rule_drafts_voted_on | rule_drafts}

DROP TABLE rule_votes

DROP TABLE rule_drafts

{let rule_sets_stay | rule_sets}

{changeable:rules}

ALTER TABLE rule_sets DROP COLUMN revision

ALTER TABLE rule_sets DROP COLUMN chains

ALTER TABLE rule_sets DROP COLUMN ends_on

ALTER TABLE rule_sets DROP COLUMN framework
";

crate::step! { up: UP, down: DOWN }
