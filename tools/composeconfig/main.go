// Reads a compose file with the library that Docker Compose reads it with, and prints what Docker Compose would work
// from, as JSON: `.env` beside the file filled in, every profile switched on. Exits with 1 and the reason otherwise.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	told, err := resolved(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "compose-config:", err)
		os.Exit(1)
	}
	fmt.Println(string(told))
}

func resolved(files []string) ([]byte, error) {
	if len(files) != 1 {
		return nil, fmt.Errorf("give one compose file")
	}
	options, err := cli.NewProjectOptions(
		files,
		cli.WithWorkingDirectory(filepath.Dir(files[0])),
		cli.WithEnvFiles(),
		cli.WithDotEnv,
		cli.WithProfiles([]string{"*"}),
	)
	if err != nil {
		return nil, err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return nil, err
	}
	return project.MarshalJSON()
}
