// Command corpus writes the table of facts about the built-in API types that the server decodes, merges and publishes by:
// names, types, protobuf tags, merge keys and list types. See README.md.
package main

import (
	"flag"
	"log"
	"os"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

// The groups whose kinds are written, with everything their types reach. Adding a group is one line.
var groupVersions = []string{
	"v1",
	"admissionregistration.k8s.io/v1",
	"apiextensions.k8s.io/v1",
	"apiregistration.k8s.io/v1",
	"apps/v1",
	"authentication.k8s.io/v1",
	"authorization.k8s.io/v1",
	"autoscaling/v1",
	"autoscaling/v2",
	"batch/v1",
	"certificates.k8s.io/v1",
	"coordination.k8s.io/v1",
	"discovery.k8s.io/v1",
	"events.k8s.io/v1",
	"flowcontrol.apiserver.k8s.io/v1",
	"networking.k8s.io/v1",
	"node.k8s.io/v1",
	"policy/v1",
	"rbac.authorization.k8s.io/v1",
	"resource.k8s.io/v1",
	"scheduling.k8s.io/v1",
	"storage.k8s.io/v1",
	"storagemigration.k8s.io/v1",
}

func main() {
	output := flag.String("o", "../../controlplane/api/schema/corpus.json", "file to write")
	flag.Parse()

	types := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		scheme.AddToScheme, apiextensions.AddToScheme, apiregistration.AddToScheme,
	} {
		if err := add(types); err != nil {
			log.Fatal(err)
		}
	}
	corpus, err := collect(types, groupVersions)
	if err != nil {
		log.Fatal(err)
	}
	text, err := corpus.encode()
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(*output, text, 0o644); err != nil {
		log.Fatal(err)
	}
	log.Printf("%d kinds, %d structs, %d bytes", len(corpus.Kinds), len(corpus.Structs), len(text))
}
