import Contracts
import Foundation
import Synchronization
import Testing

@testable import ServiceHost

@Suite struct CacheInvalidationTests {
    @Test func everyCacheHearsOfEveryEventAndOfEveryGap() {
        let invalidation = CacheInvalidation()
        let heard = Mutex<[String]>([])
        for cache in ["a", "b"] {
            invalidation.register(
                event: { event in heard.withLock { $0.append("\(cache) \(event.type)") } },
                gap: { heard.withLock { $0.append("\(cache) gap") } })
        }
        let events = ["one", "two"].map {
            CloudEvent(source: "test", type: $0, subject: nil, data: RawJSON(unchecked: Array("{}".utf8)))
        }
        invalidation.deliver(events)
        invalidation.deliver([])
        invalidation.deliverGap()
        #expect(heard.withLock { $0 } == ["a one", "b one", "a two", "b two", "a gap", "b gap"])
    }

    /// A cache that is registered as another is told, as it happens while a service is assembled.
    @Test func aCacheMayRegisterAnother() {
        let invalidation = CacheInvalidation()
        let gaps = Mutex(0)
        invalidation.register(event: { _ in }) {
            invalidation.register(event: { _ in }) { gaps.withLock { $0 += 1 } }
        }
        invalidation.deliverGap()
        #expect(gaps.withLock { $0 } == 0)
        invalidation.deliverGap()
        #expect(gaps.withLock { $0 } == 1)
    }
}
