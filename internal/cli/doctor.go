package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// newDoctorCommand shows the engine in use.
func newDoctorCommand(app *App) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Show which compute engine is used and why",
		Long:  "Show which compute engine is used and why.",
		Example: `  sparsepo doctor
  sparsepo doctor --json`,
		RunE: func(*cobra.Command, []string) error {
			opened, err := app.OpenEngine()
			if err != nil {
				return err
			}
			fmt.Fprintf(app.Stdout, "%s: %s\n", opened.Name(), opened.Why)
			return nil
		},
	}
}
