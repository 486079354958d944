package source

import (
	"context"
	"io"

	"github.com/sparsepo/sparsepo/data"
	"github.com/sparsepo/sparsepo/internal/hub"
)

// Data loads the records of a file, of the files in a folder, or of a data set's hub id (see hub.Dataset), as data.Load does;
// log receives a download's progress.
func Data(ctx context.Context, name string, o data.LoadOptions, log io.Writer) (*data.Set, *data.Report, error) {
	files, err := Files(ctx, name, log)
	if err != nil {
		return nil, nil, err
	}
	return data.LoadFiles(ctx, name, files, o)
}

// Files returns the data files that a name stands for: those that Data loads.
func Files(ctx context.Context, name string, log io.Writer) ([]string, error) {
	return hub.Dataset(ctx, name, hub.Options{Log: log})
}
