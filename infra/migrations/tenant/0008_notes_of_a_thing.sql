-- Notes are looked up by what they are about.
CREATE INDEX notes_subject_idx ON {schema}.notes (subject_id, note_id);
