#!/usr/bin/env bash
# Build with Maven, without Gradle and without an Android SDK: build.sh GOAL...  (package, verify; more goes to mvn)
# Exit code 3: Maven could not fetch what the build needs, which says nothing of the runner.
# Looks once a day for executorch-android; where it does not resolve, the package holds no engine, and says so.
set -euo pipefail
cd "$(dirname "$0")"

for tool in java mvn; do
  command -v "$tool" >/dev/null || { echo "error: $tool is not on PATH; the runner needs a JDK of at least 17 and Maven" >&2; exit 2; }
done

property() { sed -n "s:.*<$1>\(.*\)</$1>.*:\1:p" pom.xml; }
repository=${MAVEN_REPOSITORY:-$HOME/.m2/repository}
version=$(property executorch.version)
fbjni_version=$(property fbjni.version)
aar=$repository/org/pytorch/executorch-android/$version/executorch-android-$version.aar
fbjni=$repository/com/facebook/fbjni/fbjni/$fbjni_version/fbjni-$fbjni_version.aar
maven=(mvn -q -B "-Dmaven.repo.local=$repository")

resolve() { "${maven[@]}" dependency:get -Dtransitive=false "-Dartifact=$1" >/dev/null 2>&1; }

engine=()
asked=$repository/.ersam-no-executorch-$version
if [ ! -f "$aar" ] && [ -z "$(find "$asked" -mtime -1 2>/dev/null)" ]; then
  resolve "org.pytorch:executorch-android:$version:aar" || { mkdir -p "$repository"; touch "$asked"; }
fi
if [ -f "$aar" ]; then
  [ -f "$fbjni" ] || resolve "com.facebook.fbjni:fbjni:$fbjni_version:aar" ||
    { echo "error: com.facebook.fbjni:fbjni:$fbjni_version, which executorch-android needs, does not resolve" >&2; exit 3; }
  folder=$PWD/target/engine
  rm -rf "$folder" && mkdir -p "$folder/lib"
  for name in executorch fbjni; do
    archive=$aar; [ "$name" = fbjni ] && archive=$fbjni
    mkdir "$folder/$name"
    (cd "$folder/$name" && jar xf "$archive")
    mv "$folder/$name/classes.jar" "$folder/$name.jar"
    if [ -d "$folder/$name/jni" ]; then cp -r "$folder/$name/jni/." "$folder/lib/"; fi
  done
  engine=("-Dengine=$folder")
else
  echo "runner: org.pytorch:executorch-android:$version does not resolve here: the package will hold no engine" >&2
fi

# Offline once all was fetched for these very goals, so that a registry that is slow or away does not matter.
fetched=$repository/.ersam-runner-$(cat pom.xml build.sh | cksum | cut -d' ' -f1)-${1:-package}-${#engine[@]}
offline=()
[ -f "$fetched" ] && offline=(-o)
mkdir -p target
if ! "${maven[@]}" ${offline[@]+"${offline[@]}"} ${engine[@]+"${engine[@]}"} "$@" 2>&1 | tee target/build.log; then
  [ ! -f "$fetched" ] && grep -qE 'Could not (transfer|find|resolve)|Unknown host|Non-resolvable' target/build.log || exit 1
  echo "error: Maven cannot fetch what the runner is built with (see above); once it was fetched, no network is needed" >&2
  exit 3
fi
touch "$fetched"

if [ "${1:-}" = verify ]; then
  tests=$(sed -n 's/^<testsuite .* tests="\([0-9]*\)".*/\1/p' target/surefire-reports/TEST-*.xml | awk '{ sum += $1 } END { print sum }')
  echo "runner: $tests JVM tests passed"
fi
echo "runner: $PWD/target/runner.apk"
