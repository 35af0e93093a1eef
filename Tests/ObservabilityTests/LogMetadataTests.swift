import Observability
import Testing

@Suite struct LogMetadataTests {
    private func names(_ metadata: LogMetadata) -> [String] { metadata.pairs.map(\.key.name) }

    @Test func aValueIsReplacedInItsPlace() {
        var metadata: LogMetadata = [.count: 1, .name: "a", .state: true]
        metadata[.name] = "b"
        metadata[.limit] = 5
        #expect(names(metadata) == ["count", "name", "state", "limit"])
        #expect(metadata[.name] == "b" && metadata[.limit] == 5 && metadata[.error] == nil)
        metadata[.count] = nil
        metadata[.error] = nil
        #expect(names(metadata) == ["name", "state", "limit"])
    }

    @Test func theMoreParticularValuesWin() {
        var metadata: LogMetadata = [.instance: "i", .count: 1]
        metadata.merge([:])
        metadata.merge([.count: 2, .name: "n"])
        #expect(names(metadata) == ["instance", "count", "name"] && metadata[.count] == 2)
        var empty: LogMetadata = [:]
        empty.merge(metadata)
        #expect(names(empty) == names(metadata))
    }

    /// Else a line would have one member twice.
    @Test func aKeyOfItsOwnIsTheSameAsTheCommonOneOfItsName() {
        var metadata: LogMetadata = [.requestID: "a"]
        metadata[.custom("request_id")] = "b"
        #expect(metadata.pairs.count == 1 && metadata[.requestID] == "b")
    }

    @Test(
        arguments: [
            (.zero, 0), (.microseconds(1), 0.001), (.nanoseconds(999), 0), (.milliseconds(-1500), -1500),
            (.seconds(86_400), 86_400_000),
        ] as [(Duration, Double)])
    func durationsAreMillisecondsToTheMicrosecond(_ duration: Duration, _ milliseconds: Double) {
        #expect(LogValue.milliseconds(duration) == .double(milliseconds))
    }
}
