/// Where the members of one object are, found by name in one pass over it.
///
/// Of what is not asked for nothing is decoded, however many members there are. A name that is asked for and stands
/// twice is told apart from one that stands once: two readers of one body must not see two values.
final class JSONMembers {
    enum Place: Equatable {
        case missing
        case once(Range<Int>)
        case repeated
    }

    /// 16 bytes: there may be a few hundred thousand members in a body.
    private struct Entry {
        let nameStart: UInt32
        let nameEnd: UInt32
        let valueStart: UInt32
        let valueEnd: UInt32

        var name: Range<Int> { Int(nameStart)..<Int(nameEnd) }
        var value: Range<Int> { Int(valueStart)..<Int(valueEnd) }
    }

    let text: JSONText
    private let entries: [Entry]
    /// A member is looked up for its presence, for `null` and for its value, one after another.
    private var latest: (name: String, place: Place)?
    /// Made for those who ask for all names: they look each of them up.
    private var places: [String: Place]?

    /// - Throws: `JSONScanner.Malformed`.
    init(_ text: JSONText, _ range: Range<Int>) throws {
        guard text.bytes.count <= UInt32.max else { throw JSONScanner.Malformed() }
        self.text = text
        entries = try text.bytes.withUnsafeBufferPointer { buffer in
            var entries: [Entry] = []
            var scanner = JSONScanner(buffer, at: range.lowerBound)
            try scanner.members { name, value in
                entries.append(
                    Entry(
                        nameStart: UInt32(name.lowerBound), nameEnd: UInt32(name.upperBound),
                        valueStart: UInt32(value.lowerBound), valueEnd: UInt32(value.upperBound)))
            }
            return entries
        }
    }

    /// The names, each once, in no particular order.
    var names: [String] {
        if let places { return Array(places.keys) }
        var found: [String: Place] = [:]
        for entry in entries {
            guard let name = text.text(inside: entry.name) else { continue }
            found[name] = found[name] == nil ? .once(entry.value) : .repeated
        }
        places = found
        return Array(found.keys)
    }

    func place(of name: String) -> Place {
        if let places { return places[name] ?? .missing }
        if let latest, latest.name == name { return latest.place }
        let place = find(name)
        latest = (name, place)
        return place
    }

    private func find(_ name: String) -> Place {
        var name = name
        return name.withUTF8 { wanted in
            var found = Place.missing
            for entry in entries where text.isEqual(entry.name, wanted) {
                guard found == .missing else { return .repeated }
                found = .once(entry.value)
            }
            return found
        }
    }
}
