import Foundation
import JSONBytes

/// The members of a JSON-RPC request that an agent uses.
struct RPCRequest {
    /// As it came: a string, a number or `null`.
    let id: [UInt8]
    let method: String
    let message: JSONObject?

    /// - Throws: `AgentError`.
    init(_ body: [UInt8]) throws(AgentError) {
        guard let slice = try? JSONSlice(validating: body) else { throw .parse }
        guard let object = slice.object, let method = object["method"]?.string else { throw .invalidRequest }
        id = object.raw("id").map(Array.init) ?? Array("null".utf8)
        self.method = method
        message = object.find("params", "message")?.object
    }
}

/// Encodes the JSON-RPC responses of an agent.
enum RPCResponse {
    /// The ids of one request and its response.
    struct Exchange {
        let rpcID: [UInt8]
        let taskID: String
        let contextID: String
    }

    static func result(_ id: [UInt8], _ body: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("jsonrpc", "2.0")
            writer.member("id", raw: id)
            writer.member("result", object: body)
        }
        return writer.bytes
    }

    static func error(_ id: [UInt8]?, _ error: AgentError) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("jsonrpc", "2.0")
            writer.member("id", rawOrNull: id)
            writer.member(
                "error",
                object: { writer in
                    writer.member("code", error.code)
                    writer.member("message", error.message)
                })
        }
        return writer.bytes
    }

    /// The reply as a message.
    static func message(_ exchange: Exchange, _ reply: AgentReply) -> [UInt8] {
        result(exchange.rpcID) { writer in
            writeMessage(&writer, reply)
            writer.member("contextId", exchange.contextID)
        }
    }

    /// The first event of a stream that reports progress.
    static func task(_ exchange: Exchange) -> [UInt8] {
        result(exchange.rpcID) { writer in
            writer.member("kind", "task")
            writer.member("id", exchange.taskID)
            writer.member("contextId", exchange.contextID)
            writer.member("status", object: { $0.member("state", "working") })
        }
    }

    /// A status update of a task; the final one carries the reply.
    static func status(_ exchange: Exchange, _ state: String, _ reply: AgentReply, isFinal: Bool) -> [UInt8] {
        result(exchange.rpcID) { writer in
            writer.member("kind", "status-update")
            writer.member("taskId", exchange.taskID)
            writer.member("contextId", exchange.contextID)
            writer.member("final", isFinal)
            writer.member(
                "status",
                object: { writer in
                    writer.member("state", state)
                    writer.member("message", object: { writeMessage(&$0, reply) })
                })
        }
    }

    private static func writeMessage(_ writer: inout JSONWriter, _ reply: AgentReply) {
        writer.member("kind", "message")
        writer.member("role", "agent")
        writer.member("messageId", UUID().uuidString.lowercased())
        writer.member(
            "parts",
            array: { writer in
                for part in reply.parts { part.writeValue(&writer) }
            })
        if let metadata = reply.metadata { writer.member("metadata", raw: metadata) }
    }
}
