import Contracts
import Foundation
import JSONBytes

/// The connection data that the agent of an external workspace needs to register.
enum ConnectionBundle {
    /// - Parameter token: `nil` in development, where the response to the first registration has it.
    static func write(_ id: UUID, token: String?, platformURL: String, to writer: inout JSONWriter) {
        let shellField = token.map { "-H 'Authorization: Bearer \($0)' " } ?? ""
        let pythonField = token.map { "\"Authorization\": \"Bearer \($0)\", " } ?? ""
        let register = platformURL + "/registry/register"
        let heartbeat = platformURL + "/registry/heartbeat"
        writer.member("workspace_id", id.lowercased)
        writer.member("platform_url", platformURL)
        writer.member("auth_token", orNull: token)
        writer.member("registry_endpoint", register)
        writer.member("heartbeat_endpoint", heartbeat)
        writer.member(
            "curl_register_template",
            """
            curl -X POST \(register) \(shellField)-H 'Content-Type: application/json' \
            -d '{"id":"\(id.lowercased)","url":"<your agent URL>","agent_card":{"name":"<name>"}}'
            """)
        writer.member(
            "python_snippet",
            """
            import json, urllib.request
            body = {"id": "\(id.lowercased)", "url": "<your agent URL>", "agent_card": {"name": "<name>"}}
            request = urllib.request.Request(
                "\(register)", data=json.dumps(body).encode(),
                headers={\(pythonField)"Content-Type": "application/json"})
            print(urllib.request.urlopen(request).read().decode())
            """)
    }
}
