import A2AProxy
import Foundation
import HTTPCore
import URLSafety
import UVHTTPClient
import UVLoop

// Calls addresses one after the other, as the proxy does it, and says what became of each: `<url> reached <body>` or
// `<url> <kind of error>`. Run by a test inside of `namespace.sh`.
//
// usage: call-probe strict|unchecked <file of certificate authorities> <url> ...

let arguments = CommandLine.arguments
guard arguments.count > 3, ["strict", "unchecked"].contains(arguments[1]) else {
    FileHandle.standardError.write(Data("usage: call-probe strict|unchecked <authorities> <url> ...\n".utf8))
    exit(64)  // EX_USAGE
}
let isChecked = arguments[1] == "strict"
let policy = ForwardingAddressPolicy(mode: DeploymentMode(environment: [:]))
var configuration = HTTPClientConfiguration()
configuration.certificateAuthorities = arguments[2]
configuration.connectTimeout = .seconds(5)
// Every call looks its name up anew, as one does that comes after the cache's time.
var names = NameResolverConfiguration()
names.timeToLive = .zero ... .zero
let group = EventLoopGroup(count: 1, names: names)
let client = HTTPClient(group: group, configuration: configuration) { address, _ in
    guard isChecked, let reason = policy.refusal(of: address, isProvisioned: false) else { return .allowed }
    return .refused(reason: reason)
}
for url in arguments[3...] {
    do {
        let response = try await client.send(try ClientRequest(.get, url), collectUpTo: 1000)
        print(url, "reached", String(decoding: response.bytes ?? [], as: UTF8.self))
    } catch {
        print(url, error.kind.rawValue)
    }
}
client.close()
group.shutdown()
