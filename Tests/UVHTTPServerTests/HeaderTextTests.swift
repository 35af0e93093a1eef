import HTTPCore
import Testing

/// Values that are no text show as text all the same: two different ones may look equal.
@Suite struct HeaderTextTests {
    private func headers(_ value: [UInt8]) -> HTTPHeaders {
        var headers = HTTPHeaders()
        Array("Idempotency-Key".utf8).withUnsafeBufferPointer { name in
            value.withUnsafeBufferPointer { headers.add(name: name, value: $0) }
        }
        return headers
    }

    @Test func illFormedValuesAreToldApart() {
        let (first, second) = (headers([0x61, 0xFF]), headers([0x61, 0xFE]))
        #expect(first["idempotency-key"] == second["idempotency-key"])
        #expect(!first.isText("idempotency-key") && !second.isText("Idempotency-Key"))
        #expect(headers(Array("ä😀".utf8)).isText("idempotency-key"))
        #expect(headers([]).isText("idempotency-key") && HTTPHeaders().isText("idempotency-key"))
    }
}
