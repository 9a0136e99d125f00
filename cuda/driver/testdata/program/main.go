// A program on gorgonia.org/cu, for the test that links it.
package main

import (
	"fmt"

	"gorgonia.org/cu"

	"adainfilter/cuda/driver"
)

func main() {
	n, err := cu.NumDevices()
	fmt.Println(n, err, driver.Available())
}
