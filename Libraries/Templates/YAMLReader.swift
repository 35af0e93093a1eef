import CYAML

/// Reads the first document of a YAML text into a tree, with bounds on everything that a hostile text could inflate.
package struct YAMLReader {
    /// Bytes of text.
    package var maximumBytes = 256 << 10
    package var maximumDepth = 32
    /// Scalars, sequences and mappings, each counted as often as aliases repeat it.
    package var maximumValues = 20_000

    package init() {}

    /// - Returns: `nil` for a text without a document.
    package func read(_ bytes: [UInt8]) throws(YAMLError) -> YAMLValue? {
        guard bytes.count <= maximumBytes else { throw .tooLong(limit: maximumBytes) }
        let result: Result<YAMLValue?, YAMLError> = bytes.withUnsafeBufferPointer { input in
            let events = YAMLEvents(input)
            var builder = YAMLBuilder(maximumDepth: maximumDepth, maximumValues: maximumValues)
            return Result { () throws(YAMLError) in try builder.firstDocument(of: events) }
        }
        return try result.get()
    }
}

/// Builds a tree from libyaml's events.
private struct YAMLBuilder {
    /// A value, and how many values it stands for and how deep it is when everything aliased in it is counted.
    private struct Weighed {
        let value: YAMLValue
        let weight: Int
        var depth = 1
    }

    let maximumDepth: Int
    let maximumValues: Int
    private var anchors: [String: Weighed] = [:]

    init(maximumDepth: Int, maximumValues: Int) {
        self.maximumDepth = maximumDepth
        self.maximumValues = maximumValues
    }

    mutating func firstDocument(of events: YAMLEvents) throws(YAMLError) -> YAMLValue? {
        while true {
            switch try events.next() {
            case .other: continue
            case .end, .close: return nil
            case let event: return try value(event, events, depth: 1).value
            }
        }
    }

    private mutating func value(
        _ event: YAMLEvents.Event, _ events: YAMLEvents, depth: Int
    ) throws(YAMLError) -> Weighed {
        guard depth <= maximumDepth else { throw .tooDeep(limit: maximumDepth) }
        let made: Weighed
        switch event {
        case .alias(let name):
            // An anchor that is still open is not among them: a value cannot contain itself.
            guard let anchored = anchors[name] else { throw .unknownAlias }
            guard depth - 1 + anchored.depth <= maximumDepth else { throw .tooDeep(limit: maximumDepth) }
            return anchored
        case .scalar(let text, let isPlain, _): made = Weighed(value: .scalar(text, isPlain: isPlain), weight: 1)
        case .sequence: made = try sequence(events, depth)
        case .mapping: made = try mapping(events, depth)
        case .close, .end, .other: throw .malformed(problem: "a value is missing", line: 0)
        }
        if let anchor = event.anchor { anchors[anchor] = made }
        return made
    }

    private mutating func sequence(_ events: YAMLEvents, _ depth: Int) throws(YAMLError) -> Weighed {
        var elements: [YAMLValue] = []
        var (weight, deepest) = (1, 0)
        while true {
            let event = try events.next()
            if case .close = event { return Weighed(value: .sequence(elements), weight: weight, depth: deepest + 1) }
            let element = try value(event, events, depth: depth + 1)
            weight = try sum(weight, element.weight)
            deepest = max(deepest, element.depth)
            elements.append(element.value)
        }
    }

    private mutating func mapping(_ events: YAMLEvents, _ depth: Int) throws(YAMLError) -> Weighed {
        var members: [String: YAMLValue] = [:]
        var merged: [String: YAMLValue] = [:]
        var (weight, deepest) = (1, 0)
        while true {
            let event = try events.next()
            if case .close = event { break }
            let key = try value(event, events, depth: depth + 1)
            let member = try value(try events.next(), events, depth: depth + 1)
            weight = try sum(try sum(weight, key.weight), member.weight)
            deepest = max(deepest, key.depth, member.depth)
            // A member whose name is no text cannot be looked up.
            guard case .scalar(let name, let isPlain) = key.value else { continue }
            if name == "<<", isPlain {
                merged.merge(Self.members(toMerge: member.value)) { old, _ in old }
            } else {
                members[name] = member.value
            }
        }
        return Weighed(value: .mapping(merged.merging(members) { $1 }), weight: weight, depth: deepest + 1)
    }

    /// The members that `<<: *defaults` merges; of several mappings the first takes precedence.
    private static func members(toMerge value: YAMLValue) -> [String: YAMLValue] {
        switch value {
        case .mapping(let members): members
        case .sequence(let mappings):
            mappings.reduce(into: [:]) { all, mapping in all.merge(members(toMerge: mapping)) { old, _ in old } }
        case .scalar: [:]
        }
    }

    /// Checked at every step, so that it cannot overflow either.
    private func sum(_ left: Int, _ right: Int) throws(YAMLError) -> Int {
        guard left + right <= maximumValues else { throw .tooManyValues(limit: maximumValues) }
        return left + right
    }
}
