import HTTPCore
import Observability

/// The fields that the server itself looks at, found in one pass over the head. Text is made of those alone that few
/// requests have.
struct RequestFields {
    private(set) var hostCount = 0
    private(set) var isHostValid = true
    private(set) var transferCoding: String?
    private(set) var transferCodingCount = 0
    /// The body is not sent as it is.
    private(set) var hasContentCoding = false
    private(set) var expect: String?
    private(set) var origin: String?
    private(set) var requestID: String?
    private(set) var traceparent: String?
    private(set) var forwardedFor: [String] = []
    private(set) var forwardedProto: String?

    init() {}

    init(_ headers: HTTPHeaders) {
        headers.forEachField { take($0, $1) }
    }

    /// Names are compared by length first: most fields are none that the server looks at.
    private mutating func take(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) {
        var text: String { String(decoding: value, as: UTF8.self) }
        switch name.count {
        case 4:
            guard HTTPHeaders.equal(name, "host") else { return }
            isHostValid = value.allSatisfy(RequestValidation.isHostByte)
            hostCount += 1
        case 6:
            if HTTPHeaders.equal(name, "expect") {
                expect = text
            } else if HTTPHeaders.equal(name, "origin") {
                origin = text
            }
        case 11: if HTTPHeaders.equal(name, "traceparent") { traceparent = TraceContext.accepted(text) }
        case 12: if HTTPHeaders.equal(name, "x-request-id") { requestID = text }
        case 15: if HTTPHeaders.equal(name, "x-forwarded-for") { forwardedFor.append(text) }
        case 16:
            guard HTTPHeaders.equal(name, "content-encoding"), !value.isEmpty else { return }
            if !HTTPHeaders.equal(value, "identity") { hasContentCoding = true }
        case 17:
            guard HTTPHeaders.equal(name, "transfer-encoding") else {
                if HTTPHeaders.equal(name, "x-forwarded-proto") { forwardedProto = text }
                return
            }
            transferCoding = text
            transferCodingCount += 1
        default: break
        }
    }
}
