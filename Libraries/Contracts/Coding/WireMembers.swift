import JSONBytes

/// The members of one object that is being decoded.
///
/// A class, because look-ups are remembered: a member is looked up for its presence, for `null` and for its value, one
/// after another.
final class WireMembers {
    private let object: JSONObject
    private var latest: (name: String, occurrence: JSONObject.Occurrence)?
    /// Made for those who ask for all names: they look each of them up.
    private var all: [String: JSONObject.Occurrence]?

    init(_ object: JSONObject) {
        self.object = object
    }

    /// The names, each once, in no particular order.
    var names: [String] {
        if let all { return Array(all.keys) }
        let found = Dictionary(object.members.map { ($0.name, JSONObject.Occurrence.once($0.value)) }) { _, _ in
            .repeated
        }
        all = found
        return Array(found.keys)
    }

    func occurrence(of name: String) -> JSONObject.Occurrence {
        if let all { return all[name] ?? .missing }
        if let latest, latest.name == name { return latest.occurrence }
        let occurrence = object.occurrence(of: name)
        latest = (name, occurrence)
        return occurrence
    }
}
