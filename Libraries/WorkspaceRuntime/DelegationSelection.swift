/// Selects the new results in the platform's list.
struct DelegationSelection {
    /// Finished, of this workspace, not seen before; oldest first, one per id.
    var fresh: [Delegation] = []
    /// Finished, but another workspace's. Acting on them would let others inject instructions.
    var foreign: [Delegation] = []

    /// - Parameters:
    ///   - entries: newest first. The first finished entry of an id is its result.
    ///   - seen: ids that are handled already.
    ///   - workspaceID: this workspace, in lower case.
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

    /// The message that wakes the agent: ids, status and the platform's text alone. Another agent's text could carry
    /// instructions (prompt injection), and the platform's summary quotes it in parentheses.
    static func wakeMessage(_ results: [Delegation]) -> String {
        let lines = results.map { "- \($0.id): \($0.status): \(platformText($0.summary))" }
        return (["Delegation results are ready:"] + lines).joined(separator: "\n")
    }

    static func userMessage(_ result: Delegation) -> String {
        "Delegation \(result.status): \(platformText(result.summary))"
    }

    static func platformText(_ summary: String) -> String {
        let words = summary.prefix { $0 != "(" && $0 != ":" && !$0.isNewline }
        return words.reversed().drop(while: \.isWhitespace).reversed().map(String.init).joined()
    }
}
