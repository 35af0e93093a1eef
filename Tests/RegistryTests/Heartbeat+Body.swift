import JSONBytes
import ServiceHost
import UVHTTPServer

@testable import Registry

extension Heartbeat {
    /// Reads a body as its route does.
    init(body: [UInt8]) throws(APIError) {
        guard let object = try? JSONObject(validating: body) else {
            throw .invalidBody(reason: "must be a JSON object")
        }
        try self.init(of: try object.workspaceID("workspace_id"), object)
    }
}
