import Sweeper
import ServiceHost

await ServiceHost.run(SweeperService.self)
