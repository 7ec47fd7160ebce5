using RsrNet.Cli;

using var stop = new StopSignals();
return await RsrNetCommand.Run(args, Terminal.OfProcess(), stop.Token);
