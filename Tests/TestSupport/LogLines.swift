import Foundation
import Synchronization

package import Observability

/// Keeps the lines that loggers write.
package final class LogLines: Sendable {
    private let texts = Mutex<[String]>([])

    package init() {}

    /// To be passed to a logger.
    package var output: LogOutput {
        .handler { line in self.texts.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
    }

    /// The lines, newlines included.
    package var all: [String] { texts.withLock { $0 } }

    /// The lines as objects.
    ///
    /// - Throws: ``ProcessFailure`` for anything but one JSON object a line.
    package func objects() throws -> [[String: Any]] {
        try all.map { line in
            guard line.hasSuffix("}\n"), line.dropLast().allSatisfy({ !$0.isNewline }),
                let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            else { throw ProcessFailure("not one object a line: \(line)") }
            return object
        }
    }
}
