import OutboxStore

extension Diagnosis {
    /// What restores, loads and TRUNCATE leave behind, or leave out.
    static func books(_ books: BookCheck?) -> [Finding] {
        guard let books else {
            return [
                .warning(
                    "rows", "not known: this login may not compare the tables",
                    "run doctor with a login that has postrider_operator")
            ]
        }
        return [rows(books), tag(books), sequences(books), events(books)]
    }

    /// What publishes with the rights of someone who does not own the table any more. Silent where there is nothing to say.
    static func watches(_ strays: [StrayWatch]?) -> [Finding] {
        (strays ?? []).prefix(endpointsNamed).map { stray in
            .warning(
                "watches",
                "\(stray.table) belongs to \(stray.owner), but its watch publishes with the rights of \(stray.runsAs)",
                stray.functions.map { "ALTER FUNCTION \($0) OWNER TO \(SQLName(stray.owner));" }.joined(separator: " ")
                    + "  -- as a superuser"
            )
        }
    }

    private static func rows(_ books: BookCheck) -> Finding {
        let missing =
            (books.tag == nil ? ["the row of postrider.settings"] : []) + books.missingDuties.map { "duty \($0)" }
        guard !missing.isEmpty else { return .ok("rows", "the settings and all duties are there") }
        return .failure(
            "rows",
            "missing: \(missing.joined(separator: ", ")); without them partitions, repair or retention stop",
            "postrider migrate")
    }

    private static func tag(_ books: BookCheck) -> Finding {
        guard let tag = books.tag, tag != books.tagInIDs else {
            return .ok("webhook ids", "of installation \(books.tagInIDs)")
        }
        return .failure(
            "webhook ids",
            "they are made with the tag \(books.tagInIDs), but the settings say \(tag): events that were loaded are sent "
                + "under other ids than before",
            "postrider migrate")
    }

    private static func sequences(_ books: BookCheck) -> Finding {
        guard let first = books.behind.first else { return .ok("sequences", "all are ahead of their tables") }
        let largest =
            first == "deliveries"
            ? "greatest((SELECT max(id) FROM postrider.deliveries), (SELECT max(id) FROM postrider.dead))"
            : "(SELECT max(id) FROM postrider.\(first))"
        return .failure(
            "sequences", "numbers of \(books.behind.joined(separator: ", ")) are going to be given twice",
            "SELECT setval('postrider.\(first)_id_seq', \(largest));  -- as the schema's owner")
    }

    private static func events(_ books: BookCheck) -> Finding {
        guard !books.withoutEvents.isEmpty else { return .ok("events", "all that deliveries need are there") }
        return .failure(
            "events",
            "\(books.withoutEvents.joined(separator: ", ")) name events that the outbox lacks: it was not loaded whole",
            "load the data again with triggers off: docs/operations/backup-and-restore.md")
    }

    /// Whether producers can insert events.
    static func insert(_ insert: DoctorSnapshot.Insert) -> Finding {
        switch insert {
        case .accepted: .ok("insert", "an event was inserted and rolled back")
        case .notTried(let why): .ok("insert", "not tried: \(why)")
        case .refused(let why):
            .failure("insert", "producers cannot insert events: \(why)", "see the server's log; is a disk full?")
        }
    }

    /// Whether the live secrets can be opened.
    static func secrets(_ check: SecretCheck) -> [Finding] {
        var findings: [Finding] = []
        if check.unusable > 0 {
            findings.append(
                .failure(
                    "secrets",
                    "\(Plural.of("endpoint", check.unusable)) cannot be signed for: "
                        + check.whyUnusable.joined(separator: "; "),
                    "set POSTRIDER_SECRET_KEY_FILE to the file that has the key; or postrider endpoint rotate-secret NAME"
                ))
        }
        if check.unusableSources > 0 {
            findings.append(
                .failure(
                    "secrets",
                    "requests to \(Plural.of("source", check.unusableSources)) cannot be verified: "
                        + check.whyUnusableSources.joined(separator: "; "),
                    "set POSTRIDER_SECRET_KEY_FILE to the file that has the key; or postrider source rotate-secret NAME"
                ))
        }
        if check.leftOut > 0 {
            findings.append(
                .warning(
                    "secrets",
                    "an older secret of \(Plural.of("endpoint", check.leftOut)) is left out of the signatures: "
                        + check.whyLeftOut.joined(separator: "; "),
                    "postrider endpoint rotate-secret NAME, once the receiver has the newest"))
        }
        if check.underOldKey + check.plain > 0 {
            let old = check.underOldKey > 0 ? "\(Plural.of("secret", check.underOldKey)) sealed with an older key" : nil
            let plain = check.plain > 0 ? "\(Plural.of("secret", check.plain)) not sealed" : nil
            findings.append(
                .warning(
                    "secrets", [old, plain].compactMap(\.self).joined(separator: ", "),
                    "postrider secrets reseal, once all workers have the newest key"))
        }
        guard findings.isEmpty else { return findings }
        let sources = check.sources > 0 ? " and \(Plural.of("source", check.sources))" : ""
        let read = "those of \(Plural.of("endpoint", check.endpoints))\(sources) can be opened"
        return [
            .ok(
                "secrets",
                check.isComplete ? read : "\(read); others were not read: this login may not, or it takes too long")
        ]
    }
}
