import HTTPCore

/// The fields that the server itself looks at, found in one pass over the head.
struct RequestFields {
    private(set) var host: String?
    private(set) var hostCount = 0
    private(set) var transferCoding: String?
    private(set) var transferCodingCount = 0
    private(set) var expect: String?
    private(set) var origin: String?
    private(set) var authorization: String?
    private(set) var requestID: String?
    private(set) var traceparent: String?
    private(set) var forwardedFor: [String] = []
    private(set) var forwardedProto: String?

    init() {}

    init(_ headers: HTTPHeaders) {
        for (name, value) in headers { take(name, value) }
    }

    /// Names are told apart by length first: most fields are none of ours.
    private mutating func take(_ name: String, _ value: String) {
        switch name.utf8.count {
        case 4:
            guard HTTPHeaders.equal(name, "host") else { return }
            host = value
            hostCount += 1
        case 6:
            if HTTPHeaders.equal(name, "expect") {
                expect = value
            } else if HTTPHeaders.equal(name, "origin") {
                origin = value
            }
        case 11: if HTTPHeaders.equal(name, "traceparent") { traceparent = value }
        case 12: if HTTPHeaders.equal(name, "x-request-id") { requestID = value }
        case 13: if HTTPHeaders.equal(name, "authorization") { authorization = value }
        case 15: if HTTPHeaders.equal(name, "x-forwarded-for") { forwardedFor.append(value) }
        case 17:
            guard HTTPHeaders.equal(name, "transfer-encoding") else {
                if HTTPHeaders.equal(name, "x-forwarded-proto") { forwardedProto = value }
                return
            }
            transferCoding = value
            transferCodingCount += 1
        default: break
        }
    }
}
