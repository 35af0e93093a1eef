import Observability
import Testing

@testable import UVHTTPServer

@Suite struct RequestContextTests {
    @Test("A request's lines name its trace where it came with one")
    func trace() {
        let context = RequestContext(requestID: "r")
        #expect(context.metadata[.traceID] == nil)
        context.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        #expect(context.metadata[.traceID] == "0af7651916cd43dd8448eb211c80319c")
        #expect(context.metadata[.requestID] == "r")
    }
}
