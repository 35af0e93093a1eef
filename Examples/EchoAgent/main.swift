import Foundation
import WorkspaceRuntime

// A complete agent on the Swift runtime: it echoes, and does on command what agents do to a platform.
//
// Environment: what `AgentConfiguration(environment:card:)` reads; WORKSPACE_ID and PLATFORM_URL are required.
// Commands come in messages, or past the platform in POST /control {"command": ...}; see `EchoCommands`.

do {
    let configuration = try AgentConfiguration(
        environment: ProcessInfo.processInfo.environment, card: EchoAgent.card)
    exit(await EchoAgent.make(configuration).run())
} catch {
    FileHandle.standardError.write(Data("\(error)\n".utf8))
    exit(64)  // EX_USAGE
}
