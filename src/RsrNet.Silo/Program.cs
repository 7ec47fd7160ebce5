using RsrNet.Cli;
using RsrNet.Silo;

using var stop = new StopSignals();
return await RsrNetCommand.Run(args, Terminal.OfProcess(FullEdition.Create()), stop.Token);
