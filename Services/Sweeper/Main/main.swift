import ServiceHost
import Sweeper

await ServiceLauncher.run(SweeperService.self)
