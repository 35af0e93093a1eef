import Foundation
import Testing

@testable import Authentication

@Suite("Verified tokens")
struct TokenCacheTests {
    private let hash: [UInt8] = Array(repeating: 7, count: 32)
    private let token = KnownToken(id: UUID(), identity: .workspace(UUID()))
    private let start = ContinuousClock.now

    @Test("A token is believed for 30 s from the beginning of its look-up, and not a moment longer")
    func lifetime() {
        let cache = TokenCache()
        let (_, generation) = cache.find(hash, now: start)
        cache.insert(token, hash: hash, generation: generation, now: start)
        #expect(cache.find(hash, now: start + .milliseconds(29_999)).token?.id == token.id)
        #expect(cache.find(hash, now: start + .seconds(30)).token == nil)
    }

    @Test("What a look-up found before everything was forgotten is not kept")
    func overtaken() {
        let cache = TokenCache()
        let (_, generation) = cache.find(hash, now: start)
        cache.empty()
        cache.insert(token, hash: hash, generation: generation, now: start)
        #expect(cache.find(hash, now: start).token == nil)
    }
}
