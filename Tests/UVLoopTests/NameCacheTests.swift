import Testing

@testable import UVLoop

@Suite("What is known about names")
struct NameCacheTests {
    private static func found(_ ip: String) -> Result<[SocketAddress], ResolveError> {
        .success(SocketAddress(ip: ip, port: 0).map { [$0] } ?? [])
    }

    private static func addresses(_ result: Result<[SocketAddress], ResolveError>?) -> [String]? {
        (try? result?.get())?.map(\.ip)
    }

    @Test("expires at its time")
    func expiry() {
        var cache = NameCache(capacity: 2)
        cache.insert(Self.found("192.0.2.1"), for: "a", until: 1500, now: 1000)
        cache.insert(.failure(.late("b")), for: "b", until: 1100, now: 1000)
        #expect(Self.addresses(cache.result(for: "a", now: 1499)) == ["192.0.2.1"])
        #expect(cache.result(for: "a", now: 1500) == nil)
        #expect(throws: ResolveError.self) { try cache.result(for: "b", now: 1099)?.get() }
        #expect(cache.result(for: "b", now: 1100) == nil)
        cache.insert(Self.found("192.0.2.1"), for: "c", until: 2000, now: 2000)
        #expect(cache.result(for: "c", now: 1999) == nil, "what expires at once is not kept")
    }

    @Test("makes room by what is expired, and then by what expires next")
    func eviction() {
        var cache = NameCache(capacity: 2)
        cache.insert(Self.found("192.0.2.1"), for: "a", until: 10, now: 0)
        cache.insert(Self.found("192.0.2.2"), for: "b", until: 30, now: 0)
        cache.insert(Self.found("192.0.2.3"), for: "c", until: 20, now: 10)
        #expect(cache.result(for: "a", now: 0) == nil)
        cache.insert(Self.found("192.0.2.4"), for: "d", until: 40, now: 10)
        #expect(cache.result(for: "c", now: 10) == nil)
        #expect(Self.addresses(cache.result(for: "b", now: 10)) == ["192.0.2.2"])
        cache.insert(Self.found("192.0.2.5"), for: "b", until: 50, now: 10)
        #expect(Self.addresses(cache.result(for: "d", now: 10)) == ["192.0.2.4"], "a known name needs no room")
    }
}

@Suite("The turns of names")
struct LookupQueueTests {
    @Test("Names beyond the limit wait in order, and beyond the second limit are refused")
    func order() {
        var queue = LookupQueue(concurrent: 2, waitingLimit: 2)
        #expect(["a", "b", "c", "d", "e"].map { queue.admit($0) } == [.start, .start, .wait, .wait, .refuse])
        #expect(queue.finish() == "c")
        #expect(queue.admit("f") == .wait)
        queue.withdraw("d")
        #expect(queue.admit("g") == .wait)
        #expect((0..<4).map { _ in queue.finish() } == ["f", "g", nil, nil])
        #expect([queue.admit("h"), queue.admit("i"), queue.admit("j")] == [.start, .start, .wait])
    }
}
