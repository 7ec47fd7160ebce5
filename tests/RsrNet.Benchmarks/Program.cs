using BenchmarkDotNet.Running;

// dotnet run -c Release --project tests/RsrNet.Benchmarks -- --filter '*Matrix*'
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
