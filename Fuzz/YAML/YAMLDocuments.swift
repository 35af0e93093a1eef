import Templates

/// Documents read within low limits.
enum YAMLDocuments {
    private static let reader = {
        var reader = YAMLReader()
        // Low, so that short inputs reach them.
        (reader.maximumBytes, reader.maximumDepth, reader.maximumValues) = (2048, 8, 200)
        return reader
    }()

    static func judge(_ input: [UInt8]) throws {
        guard let value = try? reader.read(input) else { return }
        try require(input.count <= reader.maximumBytes, "\(input.count) bytes were read")
        try require(depth(value) <= reader.maximumDepth, "\(depth(value)) levels were read")
        let count = count(value)
        try require(count <= reader.maximumValues, "\(count) values were read")
        try require(try reader.read(input) == value, "read differently again")
    }

    private static func depth(_ value: YAMLValue) -> Int {
        switch value {
        case .scalar: 1
        case .sequence(let elements): 1 + (elements.map(depth).max() ?? 0)
        case .mapping(let members): 1 + (members.values.map(depth).max() ?? 0)
        }
    }

    private static func count(_ value: YAMLValue) -> Int {
        switch value {
        case .scalar: 1
        case .sequence(let elements): elements.reduce(1) { $0 + count($1) }
        case .mapping(let members): members.values.reduce(1) { $0 + count($1) }
        }
    }
}
