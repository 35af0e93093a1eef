/// Members of an object in one call each.
extension JSONWriter {
    /// Writes a member and its value.
    package mutating func member(_ name: String, _ value: String) {
        key(name)
        string(value)
    }

    /// Writes a member and its value.
    package mutating func member(_ name: String, _ value: Int) {
        key(name)
        int(value)
    }

    /// Writes a member and its value.
    package mutating func member(_ name: String, _ value: Double) {
        key(name)
        double(value)
    }

    /// Writes a member and its value.
    package mutating func member(_ name: String, _ value: Bool) {
        key(name)
        bool(value)
    }

    /// Writes `null` for an absent value.
    package mutating func member(_ name: String, orNull value: String?) {
        key(name)
        if let value { string(value) } else { null() }
    }

    /// Writes `null` for an absent value.
    package mutating func member(_ name: String, orNull value: Int?) {
        key(name)
        if let value { int(value) } else { null() }
    }

    /// Leaves the member out when there is no value.
    package mutating func member(_ name: String, ifPresent value: String?) {
        if let value { member(name, value) }
    }

    /// Leaves the member out when there is no value.
    package mutating func member(_ name: String, ifPresent value: Int?) {
        if let value { member(name, value) }
    }

    /// Writes a value that is JSON already; see ``raw(_:)``.
    package mutating func member(_ name: String, raw json: some Collection<UInt8>) {
        key(name)
        raw(json)
    }

    /// Writes `null` for an absent value, else bytes that are JSON already.
    package mutating func member(_ name: String, rawOrNull json: [UInt8]?) {
        key(name)
        if let json { raw(json) } else { null() }
    }

    /// Writes an object as the member's value.
    package mutating func member(_ name: String, object body: (inout JSONWriter) throws -> Void) rethrows {
        key(name)
        try object(body)
    }

    /// Writes an array as the member's value.
    package mutating func member(_ name: String, array body: (inout JSONWriter) throws -> Void) rethrows {
        key(name)
        try array(body)
    }

    /// Writes an array of strings as the member's value.
    package mutating func member(_ name: String, strings: some Sequence<String>) {
        key(name)
        beginArray()
        for value in strings { string(value) }
        endArray()
    }
}
