import Foundation

do {
    let load = try LoadGenerator(Options(CommandLine.arguments.dropFirst()))
    let report = await load.run()
    print(report.json)
    exit(report.isClean ? 0 : 3)
} catch {
    FileHandle.standardError.write(Data("load: \(error)\n".utf8))
    exit(1)
}
