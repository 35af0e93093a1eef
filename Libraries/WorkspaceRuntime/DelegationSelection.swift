/// Which entries of the platform's list are news.
struct DelegationSelection {
    /// Finished, ours, not seen before; oldest first, one an id.
    var fresh: [Delegation] = []
    /// Finished, but someone else's. An agent that acted on them could be told anything by anybody.
    var foreign: [Delegation] = []

    /// - Parameters:
    ///   - entries: newest first. The first finished entry of an id is its result.
    ///   - seen: ids that are dealt with.
    ///   - workspaceID: whose results count, in lower case.
    init(_ entries: [Delegation], seen: Set<String>, workspaceID: String) {
        var known = seen
        for entry in entries where entry.isFinished && !known.contains(entry.id) {
            if entry.sourceID.lowercased() == workspaceID {
                known.insert(entry.id)
                fresh.append(entry)
            } else {
                foreign.append(entry)
            }
        }
        fresh.reverse()
    }

    /// What wakes the agent: ids, status and the platform's words alone. Another agent's words could carry orders,
    /// and the platform's summary quotes them in parentheses.
    static func wakeMessage(_ results: [Delegation]) -> String {
        let lines = results.map { "- \($0.id): \($0.status): \(platformWords($0.summary))" }
        return (["Delegation results are ready:"] + lines).joined(separator: "\n")
    }

    static func personMessage(_ result: Delegation) -> String {
        "Delegation \(result.status): \(platformWords(result.summary))"
    }

    static func platformWords(_ summary: String) -> String {
        let words = summary.prefix { $0 != "(" && $0 != ":" && !$0.isNewline }
        return words.reversed().drop(while: \.isWhitespace).reversed().map(String.init).joined()
    }
}
