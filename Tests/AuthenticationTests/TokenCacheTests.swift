import Foundation
import Testing

@testable import Authentication

@Suite("Verified tokens")
struct TokenCacheTests {
    private let hash: [UInt8] = Array(repeating: 7, count: 32)
    private let token = VerifiedCredential(id: UUID(), identity: .workspace(UUID()))
    private let start = ContinuousClock.now

    @Test("A token is cached for 30 s from the beginning of its look-up, and not longer")
    func lifetime() {
        let cache = TokenCache()
        let (_, generation) = cache.find(hash, now: start)
        cache.insert(token, hash: hash, generation: generation, now: start)
        #expect(cache.find(hash, now: start + .milliseconds(29_999)).token?.id == token.id)
        #expect(cache.find(hash, now: start + .seconds(30)).token == nil)
    }

    @Test("The result of a look-up from before an invalidation is not cached")
    func overtaken() {
        let cache = TokenCache()
        let (_, generation) = cache.find(hash, now: start)
        cache.empty()
        cache.insert(token, hash: hash, generation: generation, now: start)
        #expect(cache.find(hash, now: start).token == nil)
    }

    @Test("Invalidating one owner leaves the others, and the results that a running look-up has for them")
    func oneOwner() {
        let cache = TokenCache()
        let id = UUID()
        let other = VerifiedCredential(id: id, identity: .org(id))
        let otherHash: [UInt8] = Array(repeating: 8, count: 32)
        let (_, generation) = cache.find(hash, now: start)
        cache.insert(token, hash: hash, generation: generation, now: start)
        cache.noteHasToken(token.owner, generation: generation)
        cache.forget(token.owner)
        cache.insert(other, hash: otherHash, generation: generation, now: start)
        #expect(cache.find(hash, now: start).token == nil && !cache.isKnownToHaveToken(token.owner))
        #expect(cache.find(otherHash, now: start).token?.id == other.id)
        // Of the invalidated one, the result of a look-up that began before does not count; that of a new one does.
        cache.insert(token, hash: hash, generation: generation, now: start)
        #expect(cache.find(hash, now: start).token == nil)
        cache.insert(token, hash: hash, generation: cache.generation, now: start)
        #expect(cache.find(hash, now: start).token?.id == token.id)
        cache.forget(other.id)
        #expect(cache.find(otherHash, now: start).token == nil, "an operator's token is its own owner")
    }

    @Test("However many owners are invalidated, they stay so")
    func manyOwners() {
        let cache = TokenCache()
        let (_, generation) = cache.find(hash, now: start)
        cache.insert(token, hash: hash, generation: generation, now: start)
        cache.forget(token.owner)
        for _ in 0...TokenCache.invalidationLimit { cache.forget(UUID()) }
        #expect(cache.find(hash, now: start).token == nil)
        cache.insert(token, hash: hash, generation: generation, now: start)
        #expect(cache.find(hash, now: start).token == nil)
    }

    @Test("A table keeps what was written last, and never more than it may")
    func aging() {
        var table = GenerationalCache<Int, Int>(limit: 100)
        for key in 0..<1000 {
            table[key] = key
            table[-1] = key
            #expect(table.young.count + table.old.count <= 100)
        }
        #expect((960..<1000).allSatisfy { table[$0] == $0 })
        #expect(table[-1] == 999 && table[0] == nil)
        // In place, and only what would not have to become younger for it.
        #expect(
            table.updateYoung(-1) {
                $0 += 1; return $0
            } == 1000)
        #expect(table[-1] == 1000)
        #expect(table.updateYoung(0) { $0 } == nil)
        table[999] = nil
        #expect(table[999] == nil)
    }
}
